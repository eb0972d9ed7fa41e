using System.Net;
using Akka.Actor;
using Akka.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Troupe.ControlPlane.Hosting;
using Troupe.ControlPlane.Nodes;
using Troupe.ControlPlane.Subresources;
using Troupe.Kubernetes.Client;
using Troupe.Kubernetes.Writers;

return await ControlPlaneOptions.RunAsync(args, async (options, ct) =>
{
    var time = TimeProvider.System;
    using var kubernetes = KubeClient.FromKubeconfig(options.Kubeconfig);
    var builder = WebApplication.CreateSlimBuilder();
    builder.Logging.AddFilter("Microsoft.AspNetCore", LogLevel.Warning).AddSimpleConsole(c => (c.SingleLine, c.TimestampFormat) = (true, "HH:mm:ss.fff "));
    using var logs = LoggerFactory.Create(l => l.AddSimpleConsole(c => (c.SingleLine, c.TimestampFormat) = (true, "HH:mm:ss.fff ")));
    await using var events = new EventRecorder(kubernetes, "virtualmachine-controller", Environment.MachineName, time, logs.CreateLogger<EventRecorder>());
    var emulation = new EmulationPolicy(kubernetes, options, logs.CreateLogger<EmulationPolicy>());

    if (options.Install)
        await new Installer(kubernetes, logs.CreateLogger<Installer>()).InstallCrdsAsync(ct);
    await emulation.RefreshAsync(ct);

    builder.Services.AddAkka(AkkaConfiguration.SystemName, akka => akka
        .WithWireSerialization()
        .WithTroupeCluster(options)
        .WithTroupeJournal(options)
        .WithNodeLinks(time, logs)
        .WithVmis(kubernetes, events, emulation.PodOptions, time, logs)
        .WithMachines(kubernetes, events, time, logs)
        .WithFeeds(kubernetes, time, logs));
    var service = options.ServiceName ?? Installer.LocalService;
    var certificate = ServingCertificate.Make([$"{service}.{options.ServiceNamespace}.svc", "localhost", options.PublicHost], time);
    builder.WebHost.UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Parse(options.Bind), options.ApiPort, listen =>
        listen.UseHttps(new HttpsConnectionAdapterOptions
        {
            ServerCertificate = certificate.Certificate,
            ClientCertificateMode = ClientCertificateMode.AllowCertificate,
            // Whose certificate it is, FrontProxy judges for each request; health checks come without one.
            ClientCertificateValidation = (_, _, _) => true,
        })));
    var proxy = await FrontProxy.LoadAsync(kubernetes, ct);
    var app = builder.Build();
    new SubresourceApi(kubernetes, proxy, app.Services.GetRequiredService<ActorSystem>(), () => app.Services.GetRequiredService<ActorRegistry>().Get<NodeLinkActor>()).Map(app);
    await app.StartAsync(ct);
    if (options.Install)
        await new Installer(kubernetes, logs.CreateLogger<Installer>()).InstallApiServicesAsync(options, certificate.CaPem, ct);
    await app.WaitForShutdownAsync(ct);
});
