import Ajv2020, { type ValidateFunction } from 'ajv/dist/2020';
import addFormats from 'ajv-formats';
import type { Schema } from './arbitraries';

export interface Parameter {
  name: string;
  in: 'path' | 'query' | 'header';
  required: boolean;
  schema: Schema;
}

export interface Operation {
  id: string;
  method: string;
  path: string;
  parameters: Parameter[];
  /** Of the body, by content type. */
  bodies: Record<string, Schema>;
  isPublic: boolean;
}

interface Answer {
  status: number;
  contentType: string;
  text: string;
}

interface Described {
  operationId: string;
  parameters?: Parameter[];
  security?: unknown[];
  requestBody?: { content: Record<string, { schema: Schema }> };
  responses: Record<string, { content?: Record<string, { schema?: object }> }>;
}

type Document = { paths: Record<string, Record<string, Described>>; components: object };

/** The operations of an OpenAPI document, and whether an answer is as it says. */
export class ApiDocument {
  private readonly ajv = addFormats(new Ajv2020({ strict: false, allErrors: false }));

  private readonly compiled = new Map<object, ValidateFunction>();
  private readonly document: Document;

  constructor(document: Document) {
    const resolved = (value: unknown): unknown => {
      if (typeof value !== 'object' || value === null) return value;
      if (Array.isArray(value)) return value.map(resolved);
      const { $ref: ref } = value as { $ref?: string };
      if (ref !== undefined)
        return ref
          .slice(2)
          .split('/')
          .reduce((at, key) => (at as Record<string, unknown>)[key], document as unknown);
      return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, resolved(inner)]));
    };
    this.document = resolved(document) as Document;
  }

  get operations(): Operation[] {
    return Object.entries(this.document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, { operationId, parameters = [], security, requestBody }]) => ({
        id: operationId,
        method: method.toUpperCase(),
        path,
        parameters,
        bodies: Object.fromEntries(
          Object.entries(requestBody?.content ?? {}).map(([type, { schema }]) => [type, schema]),
        ),
        isPublic: security !== undefined,
      })),
    );
  }

  /** What is not as the document says; undefined where all is. */
  fault({ method, path }: Operation, { status, contentType, text }: Answer): string | undefined {
    const described = this.document.paths[path]?.[method.toLowerCase()]?.responses[status];
    if (!described) return `the document knows no ${status} of this route`;
    const contents = described.content ?? {};
    const type = contentType.split(';')[0] ?? '';
    if (Object.keys(contents).length === 0)
      return text === '' ? undefined : `the document knows no body of ${status}, found ${text.slice(0, 200)}`;
    const content = contents[type];
    if (!content) return `the document has ${Object.keys(contents).join(', ')} of ${status}, found ${type || 'none'}`;
    if (!content.schema) return undefined;
    const validate = this.compiled.get(content.schema) ?? this.ajv.compile(content.schema);
    this.compiled.set(content.schema, validate);
    const body = JSON.parse(text) as unknown;
    return validate(body)
      ? undefined
      : `the body of ${status} is not as documented: ${this.ajv.errorsText(validate.errors)}; ${text.slice(0, 400)}`;
  }
}
