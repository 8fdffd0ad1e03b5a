// Matrices of numbers, stored row by row, with the operations of the equations.

export const matrix = (rows, columns, data = new Float64Array(rows * columns)) => ({ rows, columns, data });

export function fromRows(rows) {
  const columns = rows[0]?.length ?? 0;
  return matrix(rows.length, columns, Float64Array.from(rows.flat()));
}

export const toRows = (A) => Array.from({ length: A.rows }, (_, i) => [...A.data.subarray(i * A.columns, (i + 1) * A.columns)]);

// The product A B.
export function multiply(A, B) {
  const C = matrix(A.rows, B.columns), n = B.columns;
  for (let i = 0; i < A.rows; i++) {
    for (let k = 0; k < A.columns; k++) {
      const a = A.data[i * A.columns + k];
      if (a === 0) continue;
      for (let j = 0; j < n; j++) C.data[i * n + j] += a * B.data[k * n + j];
    }
  }
  return C;
}

// Aᵀ.
export function transpose(A) {
  const B = matrix(A.columns, A.rows);
  for (let i = 0; i < A.rows; i++) for (let j = 0; j < A.columns; j++) B.data[j * A.rows + i] = A.data[i * A.columns + j];
  return B;
}

// A function of each number.
export const apply = (A, f) => matrix(A.rows, A.columns, A.data.map(f));

// A function of the numbers at the same place of two matrices of the same shape.
export const combine = (A, B, f) => matrix(A.rows, A.columns, A.data.map((a, i) => f(a, B.data[i])));

export const subtract = (A, B) => combine(A, B, (a, b) => a - b);

// The product ⊙ of the numbers at the same place.
export const times = (A, B) => combine(A, B, (a, b) => a * b);

export const scale = (factor, A) => apply(A, (a) => factor * a);

// A plus the column b in each of its columns.
export const addColumn = (A, b) => matrix(A.rows, A.columns, A.data.map((a, i) => a + b.data[Math.floor(i / A.columns)]));

// The sums of the rows, as a column.
export function sumRows(A) {
  const s = matrix(A.rows, 1);
  A.data.forEach((a, i) => { s.data[Math.floor(i / A.columns)] += a; });
  return s;
}

// A function of each column, from an array to an array.
export function columnwise(A, f) {
  const B = matrix(A.rows, A.columns);
  for (let j = 0; j < A.columns; j++) {
    const column = f(Array.from({ length: A.rows }, (_, i) => A.data[i * A.columns + j]));
    column.forEach((b, i) => { B.data[i * A.columns + j] = b; });
  }
  return B;
}
