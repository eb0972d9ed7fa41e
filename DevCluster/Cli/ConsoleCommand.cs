using System.CommandLine;
using System.Diagnostics;
using System.Net.Security;
using System.Net.WebSockets;

namespace Troupe.DevCluster.Cli;

/// <summary><c>console NAME</c>: a VMI's serial console, for those without virtctl.</summary>
internal static class ConsoleCommand
{
    private const string Protocol = "plain.kubevirt.io";

    /// <summary>Ctrl+], as in telnet and virtctl.</summary>
    private const byte Escape = 0x1d;

    public static Command Create()
    {
        var name = new Argument<string>("name") { Description = "name of the VMI" };
        var ns = new Option<string>("--namespace", "-n") { Description = "its namespace", DefaultValueFactory = _ => "default" };
        var kubeconfig = new Option<string>("--kubeconfig") { Description = "kubeconfig file", Required = true };
        var command = new Command("console", "Connect to a VMI's serial console") { name, ns, kubeconfig };
        command.SetAction((parsed, ct) => RunAsync(parsed.GetValue(kubeconfig)!, parsed.GetValue(ns)!, parsed.GetValue(name)!, ct));
        return command;
    }

    private static async Task<int> RunAsync(string kubeconfig, string ns, string name, CancellationToken ct)
    {
        var config = Kubeconfig.Read(kubeconfig);
        var path = $"apis/subresources.kubevirt.io/v1/namespaces/{Uri.EscapeDataString(ns)}/virtualmachineinstances/{Uri.EscapeDataString(name)}/console";
        using var socket = new ClientWebSocket();
        socket.Options.AddSubProtocol(Protocol);
        socket.Options.ClientCertificates.Add(config.Client ?? throw new InvalidOperationException($"{kubeconfig} has no client certificate"));
        socket.Options.RemoteCertificateValidationCallback = (_, certificate, _, errors) => errors is SslPolicyErrors.None || config.IsServer(certificate);
        try
        {
            await socket.ConnectAsync(new Uri($"{config.Server.ToString().Replace("https://", "wss://", StringComparison.Ordinal).TrimEnd('/')}/{path}"), ct);
        }
        catch (WebSocketException)
        {
            Console.Error.WriteLine(await WhyAsync(config, path, name));
            return 1;
        }

        var isTerminal = !Console.IsInputRedirected;
        if (isTerminal)
            Console.Error.WriteLine($"Connected to {name}. Press Return for a prompt, Ctrl+] to leave.");
        using var terminal = isTerminal ? new RawTerminal() : null;
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(ct);
        var sending = SendAsync(socket, stop.Token);
        var receiving = ReceiveAsync(socket, stop.Token);
        // Without a terminal the end of the input is no wish to leave: what the guest says goes on to be printed.
        await (isTerminal ? Task.WhenAny(sending, receiving) : receiving);
        await stop.CancelAsync();
        return 0;
    }

    /// <returns>Ends with the escape key or the end of the input.</returns>
    private static async Task SendAsync(ClientWebSocket socket, CancellationToken ct)
    {
        await using var input = Console.OpenStandardInput();
        var buffer = new byte[4096];
        while (await input.ReadAsync(buffer, ct) is > 0 and var read)
        {
            var end = Array.IndexOf(buffer, Escape, 0, read);
            await socket.SendAsync(buffer.AsMemory(0, end < 0 ? read : end), WebSocketMessageType.Binary, true, ct);
            if (end >= 0)
                return;
        }
    }

    private static async Task ReceiveAsync(ClientWebSocket socket, CancellationToken ct)
    {
        await using var output = Console.OpenStandardOutput();
        var buffer = new byte[32 * 1024];
        try
        {
            while (true)
            {
                var got = await socket.ReceiveAsync(buffer.AsMemory(), ct);
                if (got.MessageType is WebSocketMessageType.Close)
                {
                    Console.Error.WriteLine($"\nconsole closed: {socket.CloseStatusDescription}");
                    return;
                }

                await output.WriteAsync(buffer.AsMemory(0, got.Count), ct);
                await output.FlushAsync(ct);
            }
        }
        catch (WebSocketException e)
        {
            Console.Error.WriteLine($"\nconsole closed: {e.Message}");
        }
    }

    /// <summary>A failed upgrade hides the server's answer; a plain request gets it.</summary>
    private static async Task<string> WhyAsync(Kubeconfig config, string path, string name)
    {
        using var handler = new SocketsHttpHandler();
        handler.SslOptions.ClientCertificates = [config.Client!];
        handler.SslOptions.RemoteCertificateValidationCallback = (_, certificate, _, errors) => errors is SslPolicyErrors.None || config.IsServer(certificate);
        using var http = new HttpClient(handler);
        try
        {
            using var response = await http.GetAsync(new Uri($"{config.Server.ToString().TrimEnd('/')}/{path}"));
            var text = await response.Content.ReadAsStringAsync();
            return System.Text.Json.Nodes.JsonNode.Parse(text)?["message"]?.GetValue<string>() ?? text;
        }
        catch (Exception e) when (e is System.Text.Json.JsonException or HttpRequestException)
        {
            return $"cannot connect to the console of {name}: {e.Message}";
        }
    }

    /// <summary>Keys go to the guest as they are typed; the terminal is put back at the end.</summary>
    private sealed class RawTerminal : IDisposable
    {
        public RawTerminal() => Stty("raw", "-echo");

        public void Dispose() => Stty("sane");

        private static void Stty(params string[] args)
        {
            using var process = Process.Start(new ProcessStartInfo("stty", args) { UseShellExecute = false });
            process?.WaitForExit();
        }
    }
}
