"""Configs, prompts and virtual keys: what the ids in a log lead to.

Configs and prompts have versions that never change: a log names the one that served it. Nothing is deleted, for logs
lead here: what is not to be used any more is archived, and its slug stays taken.
"""

from portkey_logs.catalog.models.base import Invalid, Item
from portkey_logs.catalog.models.configs import Config, ConfigVersion, SavedMeanwhile
from portkey_logs.catalog.models.prompts import Prompt, PromptVersion
from portkey_logs.catalog.models.virtual_keys import VirtualKey

__all__ = ["Config", "ConfigVersion", "Invalid", "Item", "Prompt", "PromptVersion", "SavedMeanwhile", "VirtualKey"]
