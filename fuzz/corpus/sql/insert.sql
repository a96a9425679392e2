INSERT INTO target WITH (QUERY_ID='q') SELECT k, id, price FROM orders;
INSERT INTO orders (ROWTIME, k, id, price) VALUES (12, 'a', -5, CAST('1.5' AS DOUBLE)); -- done
