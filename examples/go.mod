module github.com/latchkey-go/latchkey/examples

go 1.26

require (
	github.com/latchkey-go/latchkey v0.0.0
	github.com/stretchr/testify v1.12.1
)

require (
	github.com/google/uuid v1.6.0 // indirect
	go.yaml.in/yaml/v3 v3.0.5 // indirect
)

replace github.com/latchkey-go/latchkey => ../
