// Token, API, refresh, API with java.net.http, which knows proxy and CA from JAVA_TOOL_OPTIONS alone; prints what it got, one line a step.
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.Base64;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

public class Walk {
  private static final HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

  private static String setting(String name) {
    return System.getenv(name);
  }

  private static String send(HttpRequest.Builder request) throws Exception {
    return client.send(request.build(), HttpResponse.BodyHandlers.ofString()).body();
  }

  private static String token(String form) throws Exception {
    String basic = Base64.getEncoder().encodeToString((setting("CLIENT_ID") + ":" + setting("CLIENT_SECRET")).getBytes());
    return send(HttpRequest.newBuilder(URI.create(setting("TOKEN_URL"))).header("Authorization", "Basic " + basic)
        .header("Content-Type", "application/x-www-form-urlencoded").POST(HttpRequest.BodyPublishers.ofString(form)));
  }

  private static String field(String name, String body) {
    Matcher matcher = Pattern.compile("\"" + name + "\":\"([^\"]*)\"").matcher(body);
    if (!matcher.find()) throw new IllegalStateException(body);
    return matcher.group(1);
  }

  private static void call(String tokens) throws Exception {
    System.out.println(send(HttpRequest.newBuilder(URI.create(setting("API_URL"))).header("Authorization", "Bearer " + field("access_token", tokens)).GET()));
  }

  public static void main(String[] args) throws Exception {
    String first = token("grant_type=authorization_code&code=" + setting("CODE") + "&redirect_uri=https%3A%2F%2Flocalhost%2Fcb");
    call(first);
    call(token("grant_type=refresh_token&refresh_token=" + field("refresh_token", first)));
  }
}
