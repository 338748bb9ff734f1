"""For ``twistd -n -y agd.tac``: the same service as ``twistd -n agd``, configured by files and the environment."""

from agd.tap import application as make_application

application = make_application()
