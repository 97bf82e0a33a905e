package content

// The verbs of a permission on a model. None implies another.
const (
	Read    = "read"
	Create  = "create"
	Update  = "update"
	Publish = "publish" // set _state
	Delete  = "delete"
	Manage  = "manage" // change the model itself
)

// ManageModels is the permission to make models.
const ManageModels = "content/:models/manage"

// Permission returns the permission for a verb on a model's items. "{model}" stands for any model.
func Permission(model, verb string) string { return "content/" + model + "/" + verb }
