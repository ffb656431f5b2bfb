// Read by startTestDynamoDB in this process, and nowhere in src/.
process.env['TEST_DYNAMODB_ENGINE'] = 'dynamodb-local';
