"""Files in, files out: tables of visits, schools, units, officers and targets, as jobs."""
