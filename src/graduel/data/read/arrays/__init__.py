"""Arrays of NPZ, MATLAB, HDF5 and NumPy files, and their conversion to data sets."""
