"""Methods that bring a field from one grid to another, each as weights of the points it reads."""
