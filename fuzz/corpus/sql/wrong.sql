SELCT * FROM payments; SELECT amuont FROM paymnets WERE x; SELECT ((1 + FROM; SELECT x => y, a[1], b->c, "q" FROM /* open
