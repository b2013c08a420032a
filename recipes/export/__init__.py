"""A trained model as a file for another program: written, checked, verified, used again.

    run directory -> subject.Subject -> convert_* -> a file -> check.Check -> proof -> the file

`subject` opens a run (or a plain Keras model) with the rows that it is checked on, `cut` divides
its model into what reads strings and what computes numbers, `convert_*` write a format each.
`check` compares the file with Keras, `proof` says what the file is, and `onnx_file`, `litert_file`,
`saved_model_folder`, `keras_file` and `weights_file` carry that in the file. `verify` and
`predictor` need the file alone: they import neither Keras nor TensorFlow for ONNX and LiteRT, where
`runtime` computes and `encode` makes numbers of columns.
"""
