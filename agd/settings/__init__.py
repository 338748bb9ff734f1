"""The configuration: read from TOML text and the environment, checked as a whole, held in frozen tables."""

from agd.settings.account import Account
from agd.settings.admin import Admin
from agd.settings.clients import ClientKey
from agd.settings.credentials import ServiceAccountFile
from agd.settings.load import ENVIRONMENT_SOURCE, load_settings, read_settings, settings_from_environment
from agd.settings.overrides import ENVIRONMENT, Override
from agd.settings.patience import Patience
from agd.settings.places import find_configuration, find_state_directory
from agd.settings.policy import AuthMode, check_auth, effective_auth_mode, warnings
from agd.settings.scheduling import Scheduling
from agd.settings.secret import Secret
from agd.settings.store import Store
from agd.settings.structure import Setting, settings_of
from agd.settings.tables import ExposeAccount, Proxy, Retry, Settings, Upstream
from agd.settings.translation import Translation

__all__ = [
    "ENVIRONMENT",
    "ENVIRONMENT_SOURCE",
    "Account",
    "Admin",
    "AuthMode",
    "ClientKey",
    "ExposeAccount",
    "Override",
    "Patience",
    "Proxy",
    "Retry",
    "Scheduling",
    "Secret",
    "ServiceAccountFile",
    "Setting",
    "Settings",
    "Store",
    "Translation",
    "Upstream",
    "check_auth",
    "effective_auth_mode",
    "find_configuration",
    "find_state_directory",
    "load_settings",
    "read_settings",
    "settings_from_environment",
    "settings_of",
    "warnings",
]
