"""Raw examples by kind, a file each: how they are read, before anything is fitted to them."""
