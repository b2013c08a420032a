"""Files that are complete or absent, on a disk that may be full, broken or gone.

Every part of the package writes through this one: a file appears in one step, a write waits for a
disk that is full for a moment, and a name from a file cannot lead out of its folder. Every call
that changes the disk is made here, so that a test can make each of them fail.
"""

from .cache import Cached, remove_entry, touch, write_cached
from .copies import copy_folder, copy_new, linked
from .errors import CAUSES, FULL, Cause, FolderGone, cause, explained, is_full, remedy
from .files import (
    Hashing,
    Written,
    hashed,
    write_new,
    write_private,
    write_text,
    write_text_once,
    write_whole,
)
from .folders import flush_folder, in_use, make_folder, new_folder, replaced_files
from .lines import Lines, append, cut, cut_unfinished_line
from .paths import TEMPORARY, UNFINISHED, OutsideFolder, foreign_entry, inside
from .removal import remove_file, remove_files, remove_folder, remove_remains, remove_tree
from .waiting import suppress_full, when_there_is_space

__all__ = [
    "CAUSES",
    "FULL",
    "TEMPORARY",
    "UNFINISHED",
    "Cached",
    "Cause",
    "FolderGone",
    "Hashing",
    "Lines",
    "OutsideFolder",
    "Written",
    "append",
    "cause",
    "copy_folder",
    "copy_new",
    "cut",
    "cut_unfinished_line",
    "explained",
    "flush_folder",
    "foreign_entry",
    "hashed",
    "in_use",
    "inside",
    "is_full",
    "linked",
    "make_folder",
    "new_folder",
    "remedy",
    "remove_entry",
    "remove_file",
    "remove_files",
    "remove_folder",
    "remove_remains",
    "remove_tree",
    "replaced_files",
    "suppress_full",
    "touch",
    "when_there_is_space",
    "write_cached",
    "write_new",
    "write_private",
    "write_text",
    "write_text_once",
    "write_whole",
]
