#!/bin/sh
# What `make run` starts: agd with the configuration or key it finds, and otherwise, loudly, with simulated answers.
set -eu

configuration=""
for file in "${AGD_CONFIG:-}" "${XDG_CONFIG_HOME:-$HOME/.config}/agd/agd.toml" /etc/agd/agd.toml; do
    if [ -n "$file" ] && [ -e "$file" ]; then
        configuration=$file
        break
    fi
done

if [ -n "${AGD_CONFIG:-}" ] || [ -n "$configuration" ]; then
    echo "agd: using the configuration ${AGD_CONFIG:-$configuration}"
    exec "$BIN/twistd" -n agd
fi
if [ -n "${GEMINI_API_KEY:-}${GOOGLE_API_KEY:-}" ]; then
    echo "agd: no configuration file; using the API key of the environment"
    exec "$BIN/twistd" -n agd --port "$PORT"
fi
cat <<TEXT
==========================================================================================
 SIMULATED ANSWERS. There is no configuration file and no GEMINI_API_KEY, so agd answers
 from a built-in simulator: everything works, but no model is asked.
 For real answers:   GEMINI_API_KEY=your-key make run
==========================================================================================
TEXT
exec "$BIN/twistd" -n agd --port "$PORT" --simulate
