using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Troupe.ControlPlane.Admission.Certificates;
using Troupe.ControlPlane.Admission.Configuration;
using Troupe.ControlPlane.Admission.Instancetypes;
using Troupe.ControlPlane.Admission.Webhooks;
using Troupe.Parity;

namespace Troupe.Benchmarks;

/// <summary>The webhooks over HTTPS as an API server calls them, with a VMI of ordinary size.</summary>
public static class AdmissionBenchmark
{
    private const int WarmUp = 2_000;
    private const int Calls = 5_000;
    private const int Clients = 16;

    private const string Vmi = """
        {
          "apiVersion": "kubevirt.io/v1", "kind": "VirtualMachineInstance", "metadata": { "name": "vmi", "namespace": "default", "labels": { "app": "web" } },
          "spec": {
            "architecture": "amd64",
            "domain": {
              "machine": { "type": "q35" }, "cpu": { "cores": 2 }, "memory": { "guest": "1Gi" },
              "devices": {
                "disks": [{ "name": "root", "disk": { "bus": "virtio" } }, { "name": "seed", "disk": { "bus": "virtio" } }],
                "interfaces": [{ "name": "default", "masquerade": {}, "ports": [{ "port": 80 }] }]
              }
            },
            "networks": [{ "name": "default", "pod": {} }],
            "volumes": [{ "name": "root", "containerDisk": { "image": "registry/fedora:42" } }, { "name": "seed", "cloudInitNoCloud": { "userData": "#cloud-config" } }]
          }
        }
        """;

    private const int Machines = 1_000;

    /// <param name="args">How many VirtualMachines to create after the webhooks were measured, instead of 1,000; 0 for none.</param>
    public static async Task RunAsync(IReadOnlyList<string> args)
    {
        await WebhooksAsync();
        var machines = args is [var text, ..] ? int.TryParse(text, out var count) && count >= 0 ? count : throw new ArgumentException($"'{text}' is not a number of machines") : Machines;
        if (machines > 0)
            await MachineFleetBenchmark.RunAsync(machines);
    }

    private static async Task WebhooksAsync()
    {
        var now = DateTimeOffset.UtcNow;
        var authority = CertificateFactory.Authority(now, TimeSpan.FromDays(1));
        using var certificate = CertificateFactory.Serving(authority, ["localhost"], now, TimeSpan.FromDays(1)).ToX509();
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen => listen.UseHttps(certificate)));
        await using var app = builder.Build();
        new WebhookEndpoints(new WebhookTable(new StoredInstancetypes()), new CaseCluster(null), () => ClusterConfig.Default, new HashSet<string>(), TimeProvider.System,
            NullLogger<WebhookEndpoints>.Instance).Map(app);
        await app.StartAsync();
        using var client = new HttpClient(new HttpClientHandler { ServerCertificateCustomValidationCallback = (_, _, _, _) => true }) { BaseAddress = new Uri(app.Urls.First()) };

        Console.WriteLine($"{"webhook",-36} {"P50 ms",8} {"P99 ms",8} {"calls/s, " + Clients + " clients",22}");
        foreach (var path in new[] { "/virtualmachineinstances-mutate", "/virtualmachineinstances-validate-create" })
        {
            await ManyAsync(client, path, WarmUp);
            var latencies = new List<double>(Calls);
            for (var i = 0; i < Calls; i++)
            {
                var start = Stopwatch.GetTimestamp();
                await CallAsync(client, path);
                latencies.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            }

            var begin = Stopwatch.GetTimestamp();
            await ManyAsync(client, path, Calls);
            Console.WriteLine($"{path,-36} {Percentiles.Of(latencies, 50),8:0.00} {Percentiles.Of(latencies, 99),8:0.00} {Calls / Stopwatch.GetElapsedTime(begin).TotalSeconds,22:0}");
        }
    }

    private static Task ManyAsync(HttpClient client, string path, int calls) =>
        Parallel.ForAsync(0, calls, new ParallelOptions { MaxDegreeOfParallelism = Clients }, async (_, _) => await CallAsync(client, path));

    private static async Task CallAsync(HttpClient client, string path)
    {
        var review = new JsonObject
        {
            ["apiVersion"] = "admission.k8s.io/v1",
            ["kind"] = "AdmissionReview",
            ["request"] = new JsonObject
            {
                ["uid"] = "705ab4f5-6393-11e8-b7cc-42010a800002",
                ["operation"] = "CREATE",
                ["name"] = "vmi",
                ["namespace"] = "default",
                ["resource"] = new JsonObject { ["group"] = "kubevirt.io", ["version"] = "v1", ["resource"] = "virtualmachineinstances" },
                ["userInfo"] = new JsonObject { ["username"] = "somebody" },
                ["object"] = JsonNode.Parse(Vmi),
            },
        };
        using var response = await client.PostAsJsonAsync(path, review);
        var answer = await response.Content.ReadFromJsonAsync<JsonObject>();
        if ((bool?)answer?["response"]?["allowed"] is not true)
            throw new InvalidOperationException($"{path}: {answer?.ToJsonString()}");
    }
}
