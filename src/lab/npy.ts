import { closeSync, openSync, writeSync } from 'node:fs';

const MAGIC = Buffer.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0]);
/** Length of magic, size and header text; the format requires a multiple of 64. */
const HEADER_BYTES = 128;
const ROWS_AT_ONCE = 4_096;

/**
 * Writes a float32 matrix in NumPy's format (`np.load`), row by row, without knowing the number of rows in advance.
 * Source: "A Simple File Format for NumPy Arrays", version 1.0.
 */
export class NpyWriter {
  private readonly file: number;
  private readonly pending: Float32Array;
  private waiting = 0;
  private rows = 0;

  constructor(
    path: string,
    private readonly columns: number,
  ) {
    this.file = openSync(path, 'w');
    this.pending = new Float32Array(columns * ROWS_AT_ONCE);
    writeSync(this.file, this.header());
  }

  /** Writes a row. @param row values, with `NaN` for missing ones */
  write(row: readonly number[]): void {
    this.pending.set(row, this.waiting * this.columns);
    this.rows++;
    if (++this.waiting === ROWS_AT_ONCE) this.flush();
  }

  /** Completes the file. @returns the number of rows */
  close(): number {
    this.flush();
    writeSync(this.file, this.header(), 0, HEADER_BYTES, 0);
    closeSync(this.file);
    return this.rows;
  }

  private flush(): void {
    writeSync(this.file, Buffer.from(this.pending.buffer, 0, this.waiting * this.columns * 4));
    this.waiting = 0;
  }

  private header(): Buffer {
    const text = `{'descr': '<f4', 'fortran_order': False, 'shape': (${this.rows}, ${this.columns}), }`;
    const length = HEADER_BYTES - MAGIC.length - 2;
    const size = Buffer.alloc(2);
    size.writeUInt16LE(length);
    return Buffer.concat([MAGIC, size, Buffer.from(`${text.padEnd(length - 1)}\n`, 'latin1')]);
  }
}
