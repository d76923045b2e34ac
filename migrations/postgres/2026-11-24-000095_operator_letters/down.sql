DROP TABLE operator_letters;
