package content

// The verbs of a permission on a model. None implies another.
const (
	Read    = "read"
	Create  = "create"
	Update  = "update"
	Publish = "publish" // to set _state
	Delete  = "delete"
	Manage  = "manage" // to change the model itself
)

// ManageModels is the permission to make models.
const ManageModels = "content/:models/manage"

// Permission says what is needed to do something with a model's items. For all models at once, give "{model}".
func Permission(model, verb string) string { return "content/" + model + "/" + verb }
