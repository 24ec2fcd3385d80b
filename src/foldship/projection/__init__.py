"""What a bundle's run takes on another machine: a stated cost model, calibrated by what was measured."""

from __future__ import annotations

from foldship.projection.cost import planned_s
from foldship.projection.outlook import Target, default_profile, profile_of, project
from foldship.projection.profile import Profile, keep

__all__ = ["Profile", "Target", "default_profile", "keep", "planned_s", "profile_of", "project"]
