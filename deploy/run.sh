#!/bin/sh
# What `make run` starts: agd with the configuration or key it finds, and otherwise, loudly, with simulated answers.
# BIN is where twistd is; PORT is the port to listen on, unless a configuration is found and PORT was not asked for.
set -eu

configuration=${AGD_CONFIG:-}
for file in "${XDG_CONFIG_HOME:-${HOME:-}/.config}/agd/agd.toml" /etc/agd/agd.toml; do
    if [ -z "$configuration" ] && [ -e "$file" ]; then
        configuration=$file
    fi
done

if [ -n "$configuration" ]; then
    echo "agd: using the configuration $configuration"
    exec "$BIN/twistd" -n --pidfile= agd ${PORT_ASKED:+--port "$PORT"}
fi
if [ -n "${GEMINI_API_KEY:-}${GOOGLE_API_KEY:-}" ]; then
    echo "agd: no configuration file; using the API key of the environment"
    exec "$BIN/twistd" -n --pidfile= agd --port "$PORT"
fi
cat <<TEXT
==========================================================================================
 SIMULATED ANSWERS. There is no configuration file and no GEMINI_API_KEY, so agd answers
 from a built-in simulator: everything works, but no model is asked.
 For real answers:   GEMINI_API_KEY=your-key make run
==========================================================================================
TEXT
exec "$BIN/twistd" -n --pidfile= agd --port "$PORT" --simulate
