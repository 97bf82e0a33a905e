package graph

import "github.com/latchkey-go/latchkey/examples/federation/graph/model"

// Resolver is empty: the shop of this example never changes.
type Resolver struct{}

var (
	products  = map[string]model.Product{"p1": {ID: "p1", Name: "Padlock", Cost: new(700)}}
	customers = map[string]model.Customer{
		"c1": {ID: "c1", Name: "Ada", Email: new("ada@example.org"), Notes: new("Pays late")},
	}
)

// find returns a copy of the object with this ID, or nil, which GraphQL calls null.
func find[T any](all map[string]T, id string) *T {
	if found, ok := all[id]; ok {
		return &found
	}
	return nil
}
