package api

import "net/http"

// A Dialect is how answers look where a real Cockpit's and the library's own differ. The zero Dialect is the library's.
type Dialect struct {
	findsFirst   bool // whether there is such a model, and whether data came along, is told before permission is asked
	bareNotFound bool // what is not there is an empty page, whatever the method
	missing      int  // status where something had to be sent along; 0 is 400
	notAllowed   int  // status for what a singleton has no use for; 0 is 405
	notTree      string
	dropsState   bool // an update leaves out a _state that the caller may not set, and writes the rest
	quietGraphQL bool // what is denied there is an empty answer, not an error
}

// Cockpit answers as Cockpit 2.13 does. Its refusals are the guard's to write: see cockpit.Configure.
var Cockpit = Dialect{
	findsFirst: true, bareNotFound: true,
	missing: http.StatusPreconditionFailed, notAllowed: http.StatusPreconditionFailed,
	notTree: "Permission denied", dropsState: true, quietGraphQL: true,
}

func (d Dialect) statusMissing() int { return or(d.missing, http.StatusBadRequest) }

func (d Dialect) statusNotAllowed() int { return or(d.notAllowed, http.StatusMethodNotAllowed) }

func or(status, otherwise int) int {
	if status != 0 {
		return status
	}
	return otherwise
}

// bareNotFound is the answer to what is not there, without a word.
func bareNotFound(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html;charset=UTF-8")
	w.WriteHeader(http.StatusNotFound)
}
