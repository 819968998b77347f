# Placeholder until there is something to install.
