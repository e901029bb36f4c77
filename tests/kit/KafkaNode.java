/** A broker of Kafka in this very process, which ends with who started it. */
public final class KafkaNode {
    /** @param arguments the file of its settings */
    public static void main(String[] arguments) {
        Thread watch = new Thread(() -> {
            try {
                // Whoever started us holds the other end: should they die, so do we.
                while (System.in.read() != -1) {
                }
            } catch (java.io.IOException closed) {
                // as good as its end
            }
            Runtime.getRuntime().halt(0);
        });
        watch.setDaemon(true);
        watch.start();
        kafka.Kafka.main(arguments);
    }
}
