import java.io.StringReader;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.*;
import java.util.Properties;
import org.postgresql.PGConnection;

/** pgjdbc: connect, prepared statements, binary parameters, COPY, cancel, an error inside a transaction, streaming. */
public class Check {
    static final int ROWS = 1_000_000;
    static final long GROWTH_LIMIT = 64L << 20;

    static void check(String name, boolean passed) {
        System.out.println((passed ? "ok     " : "FAILED ") + name);
        if (!passed) System.exit(1);
    }

    static long resident(String process) throws Exception {
        return Long.parseLong(Files.readString(Path.of("/proc/" + process + "/statm")).split(" ")[1]) * 4096;
    }

    public static void main(String[] arguments) throws Exception {
        String url = "jdbc:postgresql://127.0.0.1:" + arguments[0] + "/postgres";
        Properties properties = new Properties();
        properties.setProperty("user", "postgres");
        properties.setProperty("prepareThreshold", "2");
        try (Connection connection = DriverManager.getConnection(url, properties)) {
            check("version", connection.getMetaData().getDatabaseMajorVersion() == 15);
            try (PreparedStatement statement = connection.prepareStatement(
                    "SELECT ?::int4, ?::int8, ?::float8, ?::numeric, ?::text, ?::bytea, ?::timestamp, ?::bool")) {
                for (int i = 0; i < 8; i++) {
                    Timestamp moment = Timestamp.valueOf("2026-11-21 01:02:03.456789");
                    statement.setInt(1, i);
                    statement.setLong(2, 1L << 40);
                    statement.setDouble(3, 0.1);
                    statement.setBigDecimal(4, new java.math.BigDecimal("12345.6700"));
                    statement.setString(5, "žluť");
                    statement.setBytes(6, new byte[] {0, -1});
                    statement.setTimestamp(7, moment);
                    statement.setBoolean(8, true);
                    try (ResultSet row = statement.executeQuery()) {
                        row.next();
                        boolean same = row.getInt(1) == i && row.getLong(2) == 1L << 40 && row.getDouble(3) == 0.1
                            && row.getBigDecimal(4).toPlainString().equals("12345.6700") && row.getString(5).equals("žluť")
                            && row.getBytes(6).length == 2 && row.getTimestamp(7).equals(moment) && row.getBoolean(8);
                        if (!same) check("prepared, round " + i, false);
                    }
                }
            }
            check("prepared statements and binary parameters", true);
            try (Statement statement = connection.createStatement()) {
                statement.execute("CREATE TABLE jdbc_copy (id int PRIMARY KEY, name text)");
            }
            StringBuilder lines = new StringBuilder();
            for (int i = 0; i < 5000; i++) lines.append(i).append("\tname ").append(i).append('\n');
            var copy = connection.unwrap(PGConnection.class).getCopyAPI();
            StringWriter back = new StringWriter();
            long copied = copy.copyIn("COPY jdbc_copy FROM STDIN", new StringReader(lines.toString()));
            copy.copyOut("COPY jdbc_copy TO STDOUT", back);
            check("COPY in and out", copied == 5000 && back.toString().equals(lines.toString()));
            try (Statement statement = connection.createStatement()) {
                new Thread(() -> {
                    try { Thread.sleep(300); statement.cancel(); } catch (Exception error) { error.printStackTrace(); }
                }).start();
                statement.execute("SELECT pg_sleep(30)");
                check("cancel", false);
            } catch (SQLException error) {
                check("cancel", error.getSQLState().equals("57014"));
            }
            connection.setAutoCommit(false);
            String first = "", second = "";
            try (Statement statement = connection.createStatement()) {
                statement.execute("INSERT INTO jdbc_copy VALUES (9000, 'x')");
                try { statement.execute("INSERT INTO jdbc_copy VALUES (9000, 'y')"); } catch (SQLException error) { first = error.getSQLState(); }
                try { statement.execute("SELECT 1"); } catch (SQLException error) { second = error.getSQLState(); }
            }
            connection.rollback();
            check("error inside a transaction", first.equals("23505") && second.equals("25P02"));
            long before = resident(arguments[1]);
            long total = 0;
            try (Statement statement = connection.createStatement()) {
                statement.setFetchSize(5000);
                try (ResultSet rows = statement.executeQuery("SELECT i, 'row ' || i FROM generate_series(1, " + ROWS + ") i")) {
                    while (rows.next()) total += rows.getInt(1);
                }
            }
            connection.commit();
            long growth = resident(arguments[1]) - before;
            check("1 M rows streamed, server memory +" + growth / 1024 + " KiB", total == (long) ROWS * (ROWS + 1) / 2 && growth < GROWTH_LIMIT);
            try (Statement statement = connection.createStatement()) {
                statement.execute("DROP TABLE jdbc_copy");
            }
            connection.commit();
        }
    }
}
