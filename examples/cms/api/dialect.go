package api

import "net/http"

// A Dialect says where the answers of a real Cockpit and of the library differ. The zero Dialect is the library's.
type Dialect struct {
	findsFirst   bool // look for the model and the data before asking for permission
	bareNotFound bool // a missing item or model is an empty page, for each method
	missing      int  // status if a required value is missing; 0 is 400
	notAllowed   int  // status if a singleton does not support the operation; 0 is 405
	notTree      string
	quietGraphQL bool // a denied field is an empty value without an error
	readsForms   bool // data may be in a form, and parameters in a JSON body
	oneOfAKind   bool // a singleton has one item whatever is asked for, and no list; one item has no order
}

// Cockpit answers as Cockpit 2.13 does. The guard writes its refusals: see cockpit.Configure.
var Cockpit = Dialect{
	findsFirst: true, bareNotFound: true,
	missing: http.StatusPreconditionFailed, notAllowed: http.StatusPreconditionFailed,
	notTree: "Permission denied", quietGraphQL: true, readsForms: true, oneOfAKind: true,
}

// bareNotFound answers not found, with an empty body.
func bareNotFound(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html;charset=UTF-8")
	w.WriteHeader(http.StatusNotFound)
}
