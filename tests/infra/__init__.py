"""The templates as code: expanded offline, linted, and held to our own rules and to a real policy evaluation; and the
documents, held to the repository."""
