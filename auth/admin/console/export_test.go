package console

import (
	"maps"
	"slices"
)

// A Page is a page of the console, with what the buttons of its forms do.
type Page struct {
	Address string
	Do      []string
}

// Pages returns all pages there are.
func Pages() (pages []Page) {
	for _, r := range routes {
		pages = append(pages, Page{r.address, slices.Sorted(maps.Keys(r.do))})
	}
	return pages
}
