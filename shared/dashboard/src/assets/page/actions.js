// Start and stop: the plan is shown, and only what was shown is carried out.

const dialog = { what: "", instance: "", plan: null, turn: 0 };

function openDialog(what, instance, name) {
  Object.assign(dialog, { what, instance, plan: null });
  setText($("ask-title"), what === "start" ? `Start ${name}?` : `Drain and stop ${name}?`);
  $("ask-options").hidden = false;
  $("ask-hold-label").hidden = what !== "start";
  $("ask-reason").value = "";
  $("ask-yes").hidden = false;
  setText($("ask-yes"), what === "start" ? "Start" : "Drain and stop");
  setText($("ask-no"), "Cancel");
  setText($("ask-what"), "The plan");
  $("ask").showModal();
  plan();
}

/** Shows what would be done. Each change of what is asked for makes a new plan, and only the last one counts. */
async function plan() {
  const turn = ++dialog.turn;
  dialog.plan = null;
  $("ask-yes").disabled = true;
  note("Asking for the plan…");
  try {
    const { id, plan: lines, refused } = told(await ask("/api/preview", asked()));
    if (turn !== dialog.turn) return;
    $("ask-plan").replaceChildren(...lines.map((line) => h("li", {}, line)));
    note(refused ? `Not possible: ${refused}` : "");
    dialog.plan = id;
    $("ask-yes").disabled = !id;
  } catch (error) {
    if (turn !== dialog.turn) return;
    $("ask-plan").replaceChildren();
    note(error.message);
  }
}

function asked() {
  const reason = $("ask-reason").value;
  return dialog.what === "start" ? { do: "start", instance: dialog.instance, hold_minutes: Number($("ask-hold").value), reason } : { do: "stop", instance: dialog.instance, reason };
}

function note(text) {
  $("ask-note").hidden = !text;
  setText($("ask-note"), text);
}

async function carryOut() {
  $("ask-yes").disabled = true;
  const turn = ++dialog.turn;
  let id = dialog.plan;
  note("Working…");
  try {
    // The reason may have been typed after the plan was made.
    ({ id } = await ask("/api/preview", asked()));
    if (!id) return plan();
    const { done, lines } = told(await ask("/api/act", { id }));
    if (turn !== dialog.turn) return;
    setText($("ask-what"), "The result");
    $("ask-plan").replaceChildren(...lines.map((line) => h("li", {}, line)));
    note(done ? "Done." : "Not everything was done.");
  } catch (error) {
    if (turn !== dialog.turn) return;
    note(error.message);
  }
  $("ask-options").hidden = true;
  $("ask-yes").hidden = true;
  setText($("ask-no"), "Close");
  $("ask-no").focus();
  refresh();
}
