"""Reports: report cards as JSON and as pages, and the pages from which a card is found."""
