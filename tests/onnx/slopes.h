// SPDX-License-Identifier: Apache-2.0
//
// Gradients of whole models, imported and differentiated, interpreted in double against
// central differences of the loss.
#ifndef SC_TESTS_ONNX_SLOPES_H
#define SC_TESTS_ONNX_SLOPES_H

// `text` is all of a model but its header, of opset 25, whose one output is the loss;
// `n_weights` of its parameters are trained. Inputs and parameters are random: truth
// values and integers are constants of the model.
void slopes_check(const char *text, int n_weights);

#endif
