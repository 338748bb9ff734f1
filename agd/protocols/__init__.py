"""A client's language and the neutral one: chat completions, completions, responses, models, errors."""
