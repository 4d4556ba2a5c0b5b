"""What every other package needs: errors, commits and settings."""
