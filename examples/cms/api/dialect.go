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
}

// Cockpit answers as Cockpit 2.13 does. The guard writes its refusals: see cockpit.Configure.
var Cockpit = Dialect{
	findsFirst: true, bareNotFound: true,
	missing: http.StatusPreconditionFailed, notAllowed: http.StatusPreconditionFailed,
	notTree: "Permission denied", quietGraphQL: true,
}

func (d Dialect) statusMissing() int { return or(d.missing, http.StatusBadRequest) }

func (d Dialect) statusNotAllowed() int { return or(d.notAllowed, http.StatusMethodNotAllowed) }

func or(status, otherwise int) int {
	if status != 0 {
		return status
	}
	return otherwise
}

// bareNotFound answers not found, with an empty body.
func bareNotFound(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html;charset=UTF-8")
	w.WriteHeader(http.StatusNotFound)
}
