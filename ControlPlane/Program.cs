using System.Net;
using Akka.Actor;
using Akka.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Troupe.ControlPlane.Admission.Certificates;
using Troupe.ControlPlane.Admission.Configuration;
using Troupe.ControlPlane.Admission.Instancetypes;
using Troupe.ControlPlane.Admission.Webhooks;
using Troupe.ControlPlane.Hosting;
using Troupe.ControlPlane.Nodes;
using Troupe.ControlPlane.Subresources;
using Troupe.Kubernetes.Client;
using Troupe.Kubernetes.Remoting;
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

    var config = new ClusterConfigFeed(logs);
    var installer = new Installer(kubernetes, logs.CreateLogger<Installer>());
    if (options.Install)
    {
        await installer.InstallCrdsAsync(ct);
        await installer.InstallRolesAsync(ct);
    }

    await emulation.RefreshAsync(ct);

    builder.Services.AddAkka(AkkaConfiguration.SystemName, akka => akka
        .WithWireSerialization()
        .WithTroupeCluster(options)
        .WithTroupeJournal(options.JournalConnection, options.State)
        .WithNodeLinks(time, logs)
        .WithVmis(kubernetes, events, () => emulation.PodOptions() with
        {
            HasHookSidecars = config.Current.IsEnabled(FeatureGates.Sidecar),
            MigrationNetwork = config.Current.MigrationNetwork,
            StateStorageClass = config.Current.StateStorageClass,
            Settings = config.Current.Guests,
        }, time, logs)
        .WithMachines(kubernetes, events, time, logs)
        .WithFeeds(kubernetes, events, options.LauncherImage, time, logs)
        .WithMigrations(kubernetes, events, time, logs));
    var service = options.ServiceName ?? Installer.LocalService;
    var certificates = new CertificateKeeper(kubernetes, options.ServiceNamespace, [$"{service}.{options.ServiceNamespace}.svc", "localhost", options.Remoting.PublicHost],
        RotationPolicy.Default, time, logs.CreateLogger<CertificateKeeper>(),
        new VsockClientCertificate(kubernetes, options.ServiceNamespace, RotationPolicy.Default, time));
    await certificates.RefreshAsync(ct);
    builder.WebHost.UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Parse(options.Remoting.Bind), options.ApiPort, listen =>
        listen.UseHttps(new HttpsConnectionAdapterOptions
        {
            // Looked up for each connection: a rotated certificate is used without a restart.
            ServerCertificateSelector = (_, _) => certificates.Current,
            ClientCertificateMode = ClientCertificateMode.AllowCertificate,
            // Whose certificate it is, FrontProxy judges for each request; health checks come without one.
            ClientCertificateValidation = (_, _, _) => true,
        })));
    var proxy = await FrontProxy.LoadAsync(kubernetes, ct);
    var app = builder.Build();
    var system = app.Services.GetRequiredService<ActorSystem>();
    app.MapHealth(Akka.Cluster.Cluster.Get(system));
    new SubresourceApi(kubernetes, new Authorizer(kubernetes, proxy), events, system, () => app.Services.GetRequiredService<ActorRegistry>().Get<NodeLinkActor>(),
        () => config.Current).Map(app);
    var webhooks = new WebhookTable(new StoredInstancetypes());
    config.Start(system, kubernetes, time);
    new WebhookEndpoints(webhooks, new ClusterObjects(kubernetes), () => config.Current, await SystemAccounts.LoadAsync(kubernetes, options.ServiceNamespace, ct), time,
        logs.CreateLogger<WebhookEndpoints>()).Map(app);
    await app.StartAsync(ct);
    using var stopping = CancellationTokenSource.CreateLinkedTokenSource(ct, app.Lifetime.ApplicationStopping);
    var common = new CommonInstancetypesInstaller(kubernetes, logs.CreateLogger<CommonInstancetypesInstaller>());
    var rotation = certificates.RunAsync(options.Install
        ? async (bundle, stop) =>
        {
            await installer.InstallEndpointsAsync(options, webhooks, bundle, stop);
            // Admitted by the webhooks, which can be reached from here on.
            await common.InstallAsync(stop);
        }
    : (_, _) => Task.CompletedTask, stopping.Token);
    await app.WaitForShutdownAsync(ct);
    await stopping.CancelAsync();
    await rotation.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
});
