import { createHash, createHmac } from 'node:crypto';
import { SignatureV4 } from '@smithy/signature-v4';
import fc from 'fast-check';
import { RequestSigner } from '../../../src/gateways/aws/signature';

/** The hash of the SDK's signer, on Node's crypto. */
class Sha256 {
  private readonly hash;
  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.hash =
      secret === undefined ? createHash('sha256') : createHmac('sha256', Buffer.from(secret as unknown as Uint8Array));
  }
  update(data: Uint8Array): void {
    this.hash.update(data);
  }
  async digest(): Promise<Uint8Array> {
    return this.hash.digest();
  }
  reset(): void {
    throw new Error('The signer does not reset');
  }
}

const word = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9-]{0,20}$/);
const value = fc.stringMatching(/^[ -~]{0,40}$/);
const requests = fc.record({
  host: fc.constantFrom('dynamodb.eu-central-1.amazonaws.com', '127.0.0.1:8000', 'a.b:443'),
  path: fc.constantFrom('/', '/endpoints/fraud-model/invocations', '/a/b.c~d_e'),
  headers: fc.record(
    {
      'content-type': fc.constantFrom('application/x-amz-json-1.0', 'text/csv'),
      'x-amz-target': word,
      accept: fc.constant('application/json'),
      'x-amzn-sagemaker-custom-attributes': value.map((text) => text.replace(/ +/g, ' ')),
    },
    { requiredKeys: ['content-type'] },
  ),
  body: fc.string({ unit: 'grapheme' }),
});
const credentials = fc.record(
  { accessKeyId: word, secretAccessKey: word, sessionToken: word },
  { requiredKeys: ['accessKeyId', 'secretAccessKey'] },
);
const instants = fc.date({ min: new Date('2015-01-01'), max: new Date('2099-12-31'), noInvalidDate: true });

describe('a signature', () => {
  it('is the one that the SDK gives the same request', () =>
    fc.assert(
      fc.asyncProperty(
        requests,
        fc.array(fc.tuple(credentials, instants), { minLength: 1, maxLength: 3 }),
        fc.constantFrom('eu-central-1', 'us-east-1'),
        fc.constantFrom('dynamodb', 'sagemaker'),
        async (request, signatures, region, service) => {
          // One signer for all, as one client has it whose credentials rotate.
          const signer = new RequestSigner({ region, service });
          for (const [keys, at] of signatures) {
            const sdk = new SignatureV4({ credentials: keys, region, service, sha256: Sha256 });
            const { headers } = await sdk.sign(
              {
                method: 'POST',
                protocol: 'https:',
                hostname: request.host,
                path: request.path,
                query: {},
                headers: { ...request.headers, host: request.host },
                body: request.body,
              },
              { signingDate: at },
            );
            const signed = signer.sign(request, keys, at.getTime());
            const { host, ...expected } = headers;
            expect(host).toBe(request.host);
            expect(signed).toEqual(expected);
          }
        },
      ),
      { numRuns: 300 },
    ));
});
