"""Workers in jobs of SLURM: submitted by dask-jobqueue, kept at the wanted number, and explained where they wait."""
