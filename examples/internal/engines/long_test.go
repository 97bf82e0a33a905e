package engines_test

import "os"

// long asks for the long forms of tests.
var long = os.Getenv("LATCHKEY_LONG") != ""
