"""From a recipe to network, optimizer and schedule: the only place where names become objects."""
