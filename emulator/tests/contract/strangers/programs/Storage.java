// A program of Java's own means: no SDK, no proxy, no trust store of its own.
import java.io.InputStream;
import java.net.HttpURLConnection;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.Base64;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

public class Storage {
    static final String HOST = "oss-eu-central-1.aliyuncs.com";
    static final String KEY = System.getenv("OSS_ACCESS_KEY_ID");
    static final String SECRET = System.getenv("OSS_ACCESS_KEY_SECRET");

    static String sign(String text) throws Exception {
        Mac mac = Mac.getInstance("HmacSHA1");
        mac.init(new SecretKeySpec(SECRET.getBytes(StandardCharsets.UTF_8), "HmacSHA1"));
        byte[] digest = mac.doFinal(text.getBytes(StandardCharsets.UTF_8));
        return "OSS " + KEY + ":" + Base64.getEncoder().encodeToString(digest);
    }

    static String call(String method, String path, byte[] body) throws Exception {
        String date = DateTimeFormatter.RFC_1123_DATE_TIME.format(
            ZonedDateTime.now(ZoneOffset.UTC));
        URI address = URI.create("https://java-pail." + HOST + path);
        var connection = (HttpURLConnection) address.toURL().openConnection();
        connection.setRequestMethod(method);
        connection.setRequestProperty("Date", date);
        connection.setRequestProperty("Content-Type", "text/plain");
        String text = method + "\n\ntext/plain\n" + date + "\n/java-pail" + path;
        connection.setRequestProperty("Authorization", sign(text));
        if (body != null) {
            connection.setDoOutput(true);
            connection.setFixedLengthStreamingMode(body.length);
            connection.getOutputStream().write(body);
        }
        int status = connection.getResponseCode();
        InputStream stream = status < 400
            ? connection.getInputStream() : connection.getErrorStream();
        String said = stream == null
            ? "" : new String(stream.readAllBytes(), StandardCharsets.UTF_8);
        return status + " " + said.strip();
    }

    public static void main(String[] arguments) throws Exception {
        System.out.println(call("PUT", "/", new byte[0]));
        System.out.println(call("PUT", "/greeting", "hello".getBytes()));
        System.out.println(call("GET", "/greeting", null));
        System.out.println(call("GET", "/", null).contains("<Key>greeting</Key>"));
        var strangers = HttpRequest.newBuilder(
            URI.create("https://java-pail." + HOST + "/greeting")).build();
        System.out.println(HttpClient.newHttpClient()
            .send(strangers, HttpResponse.BodyHandlers.ofString()).statusCode());
        System.out.println(call("DELETE", "/greeting", null));
        System.out.println(call("DELETE", "/", null));
    }
}
