import { generate } from 'selfsigned';

export interface Certificate {
  /** PEM. */
  cert: string;
  /** PEM. */
  key: string;
}

/** An authority of its own, a server's certificate for 127.0.0.1 and a client's, both signed by it. */
export async function makeCertificates(): Promise<{
  authority: Certificate;
  server: Certificate;
  client: Certificate;
}> {
  const make = async (name: string, extensions: object[], ca?: Certificate): Promise<Certificate> => {
    const pems = await generate([{ name: 'commonName', value: name }], {
      keyType: 'ec',
      algorithm: 'sha256',
      extensions: extensions as never,
      ...(ca && { ca }),
    });
    return { cert: pems.cert, key: pems.private };
  };
  const authority = await make('Test authority', [
    { name: 'basicConstraints', cA: true, critical: true },
    { name: 'keyUsage', keyCertSign: true, digitalSignature: true, critical: true },
  ]);
  const server = await make(
    'localhost',
    [
      {
        name: 'subjectAltName',
        altNames: [
          { type: 2, value: 'localhost' },
          { type: 7, ip: '127.0.0.1' },
        ],
      },
      { name: 'extKeyUsage', serverAuth: true },
    ],
    authority,
  );
  const client = await make('longwatch', [{ name: 'extKeyUsage', clientAuth: true }], authority);
  return { authority, server, client };
}
