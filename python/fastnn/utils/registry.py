"""A closed list of the objects of one kind, by name: strings and files can name nothing else."""

from __future__ import annotations

from types import FunctionType
from typing import Any

from .naming import snake_case


class Registry:
    """Names -> classes and functions.

        registry = Registry("initializer", Initializer, "keras.initializers")
        registry.add(Zeros, "zero")          # as "Zeros", "zeros" and "zero"
        registry.get("zeros")                # a new Zeros()

    Args:
        kind: what the objects are, for messages.
        base: the class that instances have; None where there are only functions.
        module: the name under which Keras exports them, written into configs.
        ignore_case: whether "SGD", "Sgd" and "sgd" are the same.
    """

    def __init__(self, kind: str, base: type | None, module: str, ignore_case: bool = False):
        self.kind = kind
        self.base = base
        self.module = module
        self.ignore_case = ignore_case
        self._found: dict[str, Any] = {}

    def add(self, thing, *aliases: str):
        """Makes a class or function known by its name and the aliases; returns it."""
        names = [thing.__name__, *aliases]
        if isinstance(thing, type):
            names.append(snake_case(thing.__name__))
        for name in names:
            # A function keeps its name when a class of the same name in snake case follows.
            self._found.setdefault(name.lower() if self.ignore_case else name, thing)
        return thing

    def find(self, name: str):
        """The class or function of this name. Raises ValueError when there is none."""
        found = self._found.get(name.lower() if self.ignore_case else name)
        if found is None:
            known = ", ".join(sorted(self._found, key=str.lower))
            raise ValueError(
                f"Could not interpret {self.kind} identifier: {name!r}. fastnn knows: {known}."
            )
        return found

    def get(self, identifier):
        """An object from None, a name, a config, a class, or an object."""
        if identifier is None:
            return None
        if isinstance(identifier, dict):
            return self.deserialize(identifier)
        if isinstance(identifier, str):
            identifier = self.find(identifier)
        if isinstance(identifier, type):
            if self.base is None or not issubclass(identifier, self.base):
                raise ValueError(f"{identifier.__name__} is not a kind of {self.kind}.")
            return identifier()
        if callable(identifier) or (self.base and isinstance(identifier, self.base)):
            return identifier
        raise ValueError(f"Could not interpret {self.kind} identifier: {identifier!r}.")

    def serialize(self, thing) -> dict[str, Any] | str | None:
        """The config of an object, in the form that Keras writes; a function's name.

        Raises:
            ValueError: the object's class (or the function) is not in this registry, so that no
                config could bring it back.
        """
        if thing is None:
            return None
        function = isinstance(thing, FunctionType)
        known = thing if function else type(thing)
        config = None if function else thing.get_config()
        if known not in self._found.values():
            raise ValueError(
                f"{thing!r} cannot be saved: it is not one of fastnn's own, and a file can name no "
                f"other {self.kind}."
            )
        if function:
            return thing.__name__
        return {
            "module": self.module,
            "class_name": known.__name__,
            "config": config,
            "registered_name": None,
        }

    def deserialize(self, config: dict[str, Any] | str):
        """The object that `serialize` described. Only names in this registry are found."""
        if isinstance(config, str):
            return self.get(config)
        name = config.get("class_name") if isinstance(config, dict) else None
        settings = config.get("config", {}) if name else None
        if not isinstance(name, str) or not isinstance(settings, dict):
            raise ValueError(
                f"A config of {self.kind} needs 'class_name' and 'config'. Received: {config!r}"
            )
        found = self.find(name)
        if isinstance(found, type):
            return found.from_config(dict(settings))
        return found
