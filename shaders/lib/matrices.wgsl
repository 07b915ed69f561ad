// Cooperative matrices of f16 with sums in f32, on devices that have them. EIGHTS: of 8 x 8 (Metal).
enable f16;
enable wgpu_cooperative_matrix;
#ifdef EIGHTS
alias MatrixA = coop_mat8x8<f16, A>;
alias MatrixB = coop_mat8x8<f16, B>;
alias MatrixC = coop_mat8x8<f32, C>;
#else
alias MatrixA = coop_mat16x16<f16, A>;
alias MatrixB = coop_mat16x16<f16, B>;
alias MatrixC = coop_mat16x16<f32, C>;
#endif
