"""The register: dated records of units and schools, who belongs to whom, and what is told of it."""
