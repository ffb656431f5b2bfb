import type { Template } from 'aws-cdk-lib/assertions';

// oxlint-disable-next-line typescript/no-explicit-any
export type Resource = { Type: string; Properties: Record<string, any>; DeletionPolicy?: string };

/** The resources of a type, by logical id. */
export const resources = (template: Template, type: string): [string, Resource][] =>
  Object.entries(template.findResources(type)) as [string, Resource][];

/** The container of each task. */
export const containers = (template: Template) =>
  resources(template, 'AWS::ECS::TaskDefinition').map(([, { Properties }]) => Properties['ContainerDefinitions'][0]);

/** The settings of a container; a value that CloudFormation computes is `set-by-cloudformation`. */
export const environmentOf = (container: { Environment: { Name: string; Value: unknown }[] }): Record<string, string> =>
  Object.fromEntries(
    container.Environment.map(({ Name, Value }) => [Name, typeof Value === 'string' ? Value : 'set-by-cloudformation']),
  );
