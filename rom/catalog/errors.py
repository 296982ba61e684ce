"""What can be wrong with a catalog file or with a value measured against it."""


class CatalogError(ValueError):
    """Whatever the catalog finds wrong; every error of this package is one."""


class SpecificationFileError(CatalogError):
    """A specification file that cannot be used; names the file and the field."""

    def __init__(self, file: str, field: str, problem: str) -> None:
        self.file = file
        self.field = field
        self.problem = problem
        super().__init__(f"{file}: {field}: {problem}" if field else f"{file}: {problem}")


class UnknownSpecification(CatalogError):
    """No specification of this id, or not in this version."""

    def __init__(self, specification: str, version: str | None, known: tuple[str, ...]) -> None:
        self.specification = specification
        self.version = version
        self.known = known
        """Ids when the id is unknown, versions when only the version is."""
        wanted = specification if version is None else f"{specification} version {version}"
        super().__init__(f"unknown specification {wanted}; known: {', '.join(known) or 'none'}")


class CharacteristicError(CatalogError):
    """A characteristic that is missing, unknown or has a value the specification refuses."""

    def __init__(self, name: str, problem: str, fix: str) -> None:
        self.name = name
        self.problem = problem
        self.fix = fix
        super().__init__(f"{name}: {problem}; {fix}")


class ExpressionError(CatalogError):
    """A catalog expression that does not parse, or has no value for the given names."""


class ContextError(CatalogError):
    """A site's allocations contradict each other, so no context can be built for templates."""
