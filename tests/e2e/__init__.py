"""The real evaluator binary, as a process under a Lambda runtime, against servers that nobody here wrote."""
