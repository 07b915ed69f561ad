// Rows and columns of a cooperative matrix. EIGHTS: of 8 x 8 (Metal).
#ifdef EIGHTS
const FRAGMENT: u32 = 8u;
#else
const FRAGMENT: u32 = 16u;
#endif
