"""Trust signals: flags that need other visits, computed after the commit; figures never change."""
