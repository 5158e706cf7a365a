"""`spillway prewarm …`: windows and extra dates as schedules in moto's Scheduler."""

from __future__ import annotations

import datetime as dt
import json

from .checks import Checks
from .operator_platform import DONE, REFUSED, USAGE, Operator, Platform


def added_and_removed(operator: Operator, seen: Platform, checks: Checks) -> None:
    words = ("--schedule", "cron(50 8 ? * MON-FRI *)", "--zone", "Europe/Oslo", "--yes")
    added = operator("prewarm", "add", "weekdays", "--nodes", "2", "--reason", "nine o'clock", *words)
    checks.that("prewarm add", added.code == DONE and operator("prewarm", "list").value["windows"], added)
    checks.that("a name that exists is refused", operator("prewarm", "add", "weekdays", *words).code == USAGE)
    wrong = operator("prewarm", "add", "other", "--schedule", "cron(99 8 ? * * *)", "--zone", "Europe/Oslo", "--yes")
    checks.that("a schedule that could not fire is refused", wrong.code == USAGE, wrong)
    skipped = operator("prewarm", "skip", "weekdays", "2027-05-17", "--yes")
    listed = json.dumps(operator("prewarm", "list").value)
    checks.that("prewarm skip", skipped.code == DONE and "2027-05-17" in listed, (skipped, listed))
    extra_dates(operator, seen, checks)
    removed = operator("prewarm", "remove", "weekdays", "--yes")
    checks.that("prewarm remove", removed.code == DONE and not operator("prewarm", "list").value["windows"], removed)
    checks.that("a second removal is refused", operator("prewarm", "remove", "weekdays", "--yes").code == USAGE)
    checks.that("all of it is in the history", seen.asked("window weekdays added") and seen.asked("weekdays removed"))


def extra_dates(operator: Operator, seen: Platform, checks: Checks) -> None:
    today = dt.datetime.now(dt.timezone.utc).date()
    saturday = today + dt.timedelta(days=(5 - today.weekday()) % 7 + 7)
    monday, other = saturday + dt.timedelta(days=2), saturday + dt.timedelta(days=7)
    unasked = operator("prewarm", "extra", "weekdays", str(saturday))
    checks.that("an extra date with nobody to ask changes nothing",
                unasked.code == REFUSED and len(seen.schedules()) == 1, (unasked, seen.schedules()))
    for date, text in ((monday, "anyway"), (today - dt.timedelta(days=7 + today.weekday() - 5), "past"),
                       (dt.date(2027, 5, 17), "--undo")):
        refused = operator("prewarm", "extra", "weekdays", str(date), "--yes")
        checks.that(f"an extra date is refused where it would do nothing: {text}", refused.code == USAGE
                    and text in json.dumps(refused.value["error"]) and len(seen.schedules()) == 1, refused)
    checks.that("of an unknown window it is refused", operator("prewarm", "extra", "nobody", str(saturday), "--yes").code == USAGE)
    added = operator("prewarm", "extra", "weekdays", str(saturday), str(other), "--reason", "fair", "--yes")
    name = f"weekdays-extra-{saturday:%Y%m%d}-0850"
    made = seen.schedules().get(name, {})
    checks.that("an extra date is a schedule that fires once, at the window's local time, and is deleted then",
                added.code == DONE and made.get("ScheduleExpression") == f"at({saturday}T08:50:00)"
                and made["ScheduleExpressionTimezone"] == "Europe/Oslo"
                and made.get("ActionAfterCompletion") == "DELETE", (added, made))
    window = seen.schedules()["weekdays"]["Target"]
    payload = {**json.loads(window["Input"]), "skip": []}
    checks.that("it invokes the same function with the same input, without dates to skip",
                json.loads(made["Target"]["Input"]) | {"skip": []} == payload
                and made["Target"]["Arn"] == window["Arn"] and made["Target"]["RoleArn"] == window["RoleArn"], made)
    listed = {w["name"]: w["extra_of"] for w in operator("prewarm", "list").value["windows"]}
    checks.that("prewarm list shows whose extra date it is", listed.get(name) == "weekdays" and listed["weekdays"] is None,
                listed)
    firings = [f["scheduled"][:10] for f in operator("prewarm", "preview", "--days", "16").value["firings"]
               if f["window"] == name]
    checks.that("prewarm preview shows when it fires", firings == [str(saturday)], firings)
    again = operator("prewarm", "extra", "weekdays", str(saturday), "--yes")
    checks.that("twice is refused", again.code == USAGE and "already" in again.value["error"]["message"], again)
    skipped = operator("prewarm", "skip", "weekdays", str(saturday), "--yes")
    checks.that("an extra date cannot be skipped as well", skipped.code == USAGE
                and "extra" in skipped.value["error"]["remedy"], skipped)
    undone = operator("prewarm", "extra", "weekdays", str(saturday), "--undo", "--yes")
    checks.that("--undo takes it back, and only it", undone.code == DONE and sorted(seen.schedules())
                == ["weekdays", f"weekdays-extra-{other:%Y%m%d}-0850"], (undone, sorted(seen.schedules())))
    checks.that("a second --undo is refused", operator("prewarm", "extra", "weekdays", str(saturday), "--undo", "--yes").code == USAGE)
    checks.that("both are in the history", seen.asked(f"also fires on {saturday}")
                and seen.asked(f"no longer fires on {saturday}"))
